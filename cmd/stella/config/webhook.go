package config

import "net/netip"

// WebhookConfig names the networks in which webhooks may be, besides public addresses.
type WebhookConfig struct {
	WebhookAllow []string `env:"STELLA_WEBHOOK_ALLOW" placeholder:"CIDR" group:"Web" help:"Private networks in which webhooks are allowed, such as 10.1.2.0/24. Plain http is accepted only there."`
}

func (c WebhookConfig) Check(wrong *Problems) []netip.Prefix {
	return parseNetworks("STELLA_WEBHOOK_ALLOW", c.WebhookAllow, wrong)
}
