package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerUUID makes a connection copy the bytes of a [uuid.UUID]. Without it pgx goes
// through database/sql: it formats and parses each UUID as text.
func registerUUID(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}})
	return nil
}

type uuidCodec struct{ pgtype.UUIDCodec }

// PlanEncode implements [pgtype.Codec].
func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return encodeUUID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

// PlanScan implements [pgtype.Codec].
func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return scanUUID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type encodeUUID struct{}

// Encode implements [pgtype.EncodePlan].
func (encodeUUID) Encode(value any, to []byte) ([]byte, error) {
	id := value.(uuid.UUID)
	return append(to, id[:]...), nil
}

type scanUUID struct{}

// Scan implements [pgtype.ScanPlan]. Like the Scan of [uuid.UUID], it leaves the target as
// it is if the column is null.
func (scanUUID) Scan(from []byte, target any) error {
	switch len(from) {
	case 0:
		return nil
	case len(uuid.UUID{}):
		*target.(*uuid.UUID) = uuid.UUID(from)
		return nil
	}
	return fmt.Errorf("a UUID of %d bytes", len(from))
}
