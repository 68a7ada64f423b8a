package store

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

func uuidMap() *pgtype.Map {
	m := pgtype.NewMap()
	m.RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}})
	return m
}

// UUIDs are written and read as pgx does it without our codec.
func TestUUIDs(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for _, value := range []any{id, &id, (*uuid.UUID)(nil), pgtype.UUID{Bytes: id, Valid: true}, uuid.NullUUID{}} {
		for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
			want, err := pgtype.NewMap().Encode(pgtype.UUIDOID, format, value, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := uuidMap().Encode(pgtype.UUIDOID, format, value, nil)
			if err != nil || string(got) != string(want) || (got == nil) != (want == nil) {
				t.Errorf("%T in format %d is %x, %v, want %x", value, format, got, err, want)
			}
			before, after := uuid.Max, uuid.Max
			if err := pgtype.NewMap().Scan(pgtype.UUIDOID, format, want, &before); err != nil {
				t.Fatal(err)
			}
			if err := uuidMap().Scan(pgtype.UUIDOID, format, want, &after); err != nil || after != before {
				t.Errorf("%T in format %d is read as %v, %v, want %v", value, format, after, err, before)
			}
			var pointer *uuid.UUID
			if err := uuidMap().Scan(pgtype.UUIDOID, format, want, &pointer); err != nil || (pointer == nil) != (want == nil) {
				t.Errorf("%T in format %d is read as %v, %v", value, format, pointer, err)
			}
		}
	}
	if err := uuidMap().Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, []byte("short"), &id); err == nil {
		t.Error("a UUID of 5 bytes was read")
	}
}

func BenchmarkUUID(b *testing.B) {
	for name, m := range map[string]*pgtype.Map{"pgx": pgtype.NewMap(), "ours": uuidMap()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			id, row := uuid.New(), make([]byte, 0, 16)
			for b.Loop() {
				row, err := m.Encode(pgtype.UUIDOID, pgtype.BinaryFormatCode, id, row)
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, row, &id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
