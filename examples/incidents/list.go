package main

import (
	"github.com/tidegate-go/tidegate/examples/incidents/amazon"
	"github.com/tidegate-go/tidegate/examples/incidents/awsdns"
	"github.com/tidegate-go/tidegate/examples/incidents/cloudflarefeature"
	"github.com/tidegate-go/tidegate/examples/incidents/cloudflarekill"
	"github.com/tidegate-go/tidegate/examples/incidents/cloudflarewaf"
	"github.com/tidegate-go/tidegate/examples/incidents/crowdstrike"
	"github.com/tidegate-go/tidegate/examples/incidents/facebook"
	"github.com/tidegate-go/tidegate/examples/incidents/frontdoor"
	"github.com/tidegate-go/tidegate/examples/incidents/googlecloud"
	"github.com/tidegate-go/tidegate/examples/incidents/knight"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/examples/incidents/s3"
)

// incidents are all of them, the newest first.
func incidents() []replay.Incident {
	return []replay.Incident{
		amazon.Incident(),
		cloudflarekill.Incident(),
		cloudflarefeature.Incident(),
		frontdoor.Incident(),
		awsdns.Incident(),
		googlecloud.Incident(),
		crowdstrike.Incident(),
		facebook.Incident(),
		cloudflarewaf.Incident(),
		s3.Incident(),
		knight.Incident(),
	}
}

// told is an incident with both its outcomes.
type told struct {
	replay.Incident
	without, with replay.Outcome
}

// tell tells an incident both ways.
func tell(incident replay.Incident) (t told, err error) {
	t.Incident = incident
	if t.without, err = incident.Without(); err != nil {
		return t, err
	}
	t.with, err = incident.With()
	return t, err
}
