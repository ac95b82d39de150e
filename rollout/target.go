package rollout

// Target is one thing that gets the release: a host, a cell, a region, a DNS
// record, a tenant.
type Target struct {
	// Name identifies the target. Required, unique in the fleet.
	Name string
	// Labels say where it is: region, zone, cell, tenant.
	Labels map[string]string
	// Weight is how many users, requests or hosts it stands for. Zero means 1.
	Weight int64
	// Tier is how critical it is. Waves take lower tiers first.
	Tier int
}
