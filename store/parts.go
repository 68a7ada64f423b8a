package store

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// parts scans a row whose columns belong to several tables, one part after the other. In
// a left join, the columns of a table without a row are null. A part begins with a column
// that is not null otherwise.
type parts struct {
	pgx.CollectableRow
	types *pgtype.Map
	next  int // the first column of the next part
}

func partsOf(row pgx.CollectableRow) *parts {
	return &parts{CollectableRow: row, types: row.(pgx.Rows).Conn().TypeMap()}
}

var errNoPart = errors.New("the columns of the part are null")

// Scan scans the columns of the next part. It returns errNoPart if they are null.
func (p *parts) Scan(into ...any) error {
	raw, columns := p.RawValues()[p.next:], p.FieldDescriptions()[p.next:]
	p.next += len(into)
	if raw[0] == nil {
		return errNoPart
	}
	for n, target := range into {
		if err := p.types.Scan(columns[n].DataTypeOID, columns[n].Format, raw[n], target); err != nil {
			return pgx.ScanArgError{ColumnIndex: p.next - len(into) + n, FieldName: columns[n].Name, Err: err}
		}
	}
	return nil
}

// scanPart scans the next part into *to, or sets it to nil if the table has no row.
func scanPart[T any](p *parts, to **T, scan pgx.RowToFunc[T]) error {
	row, err := scan(p)
	switch {
	case err == nil:
		*to = &row
	case errors.Is(err, errNoPart):
		*to, err = nil, nil
	}
	return err
}
