// Package httpx is the one place in tidegate that makes HTTP calls.
//
// A gate asks other systems for figures while a change is under way, often
// while those systems are unwell. So a call here is bounded in every
// direction, and the caller can tell from its error what went wrong:
//
//   - Time: each try has a Timeout, and all tries together end before the
//     context's deadline. A server's Retry-After is honoured up to WaitMax, and
//     a wait that would outlast the deadline is not begun: the last answer is
//     returned at once, which says more than "deadline exceeded".
//   - Size: a body past MaxBody, as decompressed, is ErrTooLarge.
//   - Repetition: only questions (Get, Ask), and only for failed connections,
//     cut-off bodies, 429 and 5xx (but not 501), with jitter. Any other status
//     will not change by asking again. All calls of a Client share a budget of
//     retries, so that a server that is going under is not pushed.
//   - Insistence: a host whose calls failed several times in a row is left alone
//     for a while. Calls to it are ErrOpen at once, until one that is let through
//     works.
//   - Place: a redirect is followed within the same scheme, host and port
//     only. Elsewhere is ErrRedirect, so no header or secret ever goes to a
//     host that nobody configured.
//   - Secrecy: errors show a URL without its user, password, query and
//     fragment, and nothing is ever logged.
//
// An answer outside 2xx is a *StatusError, which keeps the start of the body:
// an API says there what it did not like.
//
// Connections are kept and reused, so that polling a thousand targets every
// second costs a thousand requests and no handshakes.
package httpx
