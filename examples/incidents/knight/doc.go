// Package knight replays the 45 minutes of Knight Capital, 1 August 2012. The activation
// of a flag is the rollout, and the way back is looked at as well: it was what made one
// bad server of eight eight.
package knight
