// Package cloudflarefeature replays 18 November 2025 at Cloudflare: a query began to
// return rows twice, so that a file of features, which is generated every five minutes
// and sent to every machine, doubled. The proxies can take 200 features, and crashed.
// Only some nodes of the database did so: good and bad files went out by turns, the
// network went down and came back, and it looked like an attack.
package cloudflarefeature
