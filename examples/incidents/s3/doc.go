// Package s3 replays the outage of Amazon S3 in us-east-1, 28 February 2017. It was no
// rollout, but a command of an established playbook: so it runs under guardrails.Do.
package s3
