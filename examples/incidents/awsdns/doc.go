// Package awsdns replays the outage of DynamoDB's DNS in AWS us-east-1, 19 and 20
// October 2025. It was no rollout, but two workers that write the same record: so the
// guards are called where the writes are made.
package awsdns
