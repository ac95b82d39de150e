// Package amazon replays the outage of the Amazon.com storefront, 5 March 2026, as the
// press has told it: a change after which nearly no checkout succeeded.
package amazon
