// Package cloudflarekill replays 5 December 2025 at Cloudflare: a kill switch that had
// never been used on a rule of that kind brought down a quarter of the traffic. A first
// change went out gradually. It upset a testing tool, so the tool was switched off, and
// that second change went through a system that knows no waves.
package cloudflarekill
