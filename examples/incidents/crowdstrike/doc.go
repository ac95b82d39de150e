// Package crowdstrike replays channel file 291 of CrowdStrike, 19 July 2024: content that
// went everywhere at once, and hosts of which nothing was to be seen any more.
package crowdstrike
