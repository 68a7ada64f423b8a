package main

import "net/netip"

// webhookConfig says where webhooks may be, beside public addresses.
type webhookConfig struct {
	WebhookAllow []string `env:"STELLA_WEBHOOK_ALLOW" placeholder:"CIDR" group:"Web" help:"Networks that webhooks may be in although they are not public, such as 10.1.2.0/24; http is accepted there, and nowhere else."`
}

func (c webhookConfig) check(wrong *problems) []netip.Prefix {
	return parseNetworks("STELLA_WEBHOOK_ALLOW", c.WebhookAllow, wrong)
}
