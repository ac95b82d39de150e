// Package cloudflarewaf replays 2 July 2019 at Cloudflare: a rule of the web
// application firewall that backtracked without end took the processors of the whole
// network. Software went out in stages there; rules did not, by design, and were
// everywhere within seconds. That the rule was in "simulate" mode did not help: it was
// run all the same.
package cloudflarewaf
