// Package frontdoor replays 29 October 2025 at Azure Front Door: metadata that crashed
// the edge, but only in work that was done some five minutes later. By then all gates
// had passed, and the bad metadata was the last known good one: the way back would have
// led to the same fault.
package frontdoor
