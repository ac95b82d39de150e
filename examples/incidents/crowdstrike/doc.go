// Package crowdstrike replays channel file 291 of CrowdStrike, 19 July 2024: content that
// went everywhere at once, and hosts of which nothing was to be seen any more. That 99% of
// the sensors were back on 29 July is from the root cause analysis, as told at
// https://nogosee.com/crowdstrike-publishes-rca-for-july-2024-channel-file-291-windows-sensor-outage-r
package crowdstrike
