package main

import (
	"context"
	"math/rand/v2"
	"net/http"

	"stella/client"
)

// whole goes from the hand-off to the star.
var whole = mode{name: "whole", n: 100, clients: 1, unbounded: true, unit: "qualification",
	prepare: func(_ context.Context, l *load, _ options, _ int) (job, error) {
		return func(ctx context.Context, _ int) error {
			m, err := l.subject.take(1)
			if err != nil {
				return err
			}
			v, err := l.enter(ctx, m)
			if err != nil {
				return err
			}
			return v.walk(ctx, atStar)
		}, nil
	}}

// code goes from the contract notice to the star. The way to the notice is prepared.
var code = mode{name: "code", n: 200, clients: 1, unit: "qualification",
	prepare: func(ctx context.Context, l *load, o options, n int) (job, error) {
		first, err := l.subject.take(n)
		if err != nil {
			return nil, err
		}
		ready := make([]*visit, n)
		_, _, err = repeat(ctx, max(o.atOnce, 4), n, 0, func(ctx context.Context, i int) error {
			v, err := l.enter(ctx, first+mailbox(i))
			if err != nil {
				return err
			}
			ready[i] = v
			return v.walk(ctx, atContract)
		})
		return func(ctx context.Context, i int) error { return ready[i].walk(ctx, atStar) }, err
	}}

// status asks for the status of mailboxes, as a webmail does at each login of a user.
var status = mode{name: "status", n: 20_000, clients: 32, unbounded: true, unit: "call",
	prepare: func(_ context.Context, l *load, _ options, _ int) (job, error) {
		connections := &http.Client{Transport: l.watch}
		return func(ctx context.Context, i int) error {
			api := client.Client{URL: l.subject.world.site, Token: l.token(i), HTTP: connections}
			_, err := api.Status(ctx, mailbox(rand.IntN(l.subject.imported)).address(), nil)
			return err
		}, nil
	}}
