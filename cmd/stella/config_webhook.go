package main

import (
	"fmt"
	"net/netip"
)

// webhookConfig says where webhooks may be, beside public addresses.
type webhookConfig struct {
	WebhookAllow []string `env:"STELLA_WEBHOOK_ALLOW" placeholder:"CIDR" group:"Web" help:"Networks that webhooks may be in although they are not public, such as 10.1.2.0/24; http is accepted there, and nowhere else."`
}

func (c webhookConfig) check(wrong *problems) []netip.Prefix {
	var allow []netip.Prefix
	for _, text := range c.WebhookAllow {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			err = fmt.Errorf("%q is no network, such as 10.1.2.0/24", text)
		}
		wrong.add("STELLA_WEBHOOK_ALLOW", err)
		allow = append(allow, prefix)
	}
	return allow
}
