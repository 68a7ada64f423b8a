package main

import "net/netip"

// webhookConfig names the networks in which webhooks may be, besides public addresses.
type webhookConfig struct {
	WebhookAllow []string `env:"STELLA_WEBHOOK_ALLOW" placeholder:"CIDR" group:"Web" help:"Private networks in which webhooks are allowed, such as 10.1.2.0/24. Plain http is accepted only there."`
}

func (c webhookConfig) check(wrong *problems) []netip.Prefix {
	return parseNetworks("STELLA_WEBHOOK_ALLOW", c.WebhookAllow, wrong)
}
