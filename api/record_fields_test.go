package api

import (
	"reflect"
	"testing"

	"stella/client"
)

// A field that the API accepts is part of the record, and can be changed alone.
func TestEveryFieldOfARecordIsKept(t *testing.T) {
	t.Parallel()
	full := client.Record{Representatives: []client.Representative{{FiscalCode: "c", Name: "n"}}}
	v, patch := reflect.ValueOf(&full).Elem(), reflect.TypeFor[client.RecordPatch]()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString("value of " + v.Type().Field(i).Name)
		}
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() {
			t.Errorf("the test sets no value of %s", name)
		}
		if _, ok := patch.FieldByName(name); !ok {
			t.Errorf("RecordPatch lacks %s", name)
		}
	}
	if got := *describeRecord(new(readRecord(full))); !reflect.DeepEqual(got, full) {
		t.Errorf("readRecord and describeRecord keep\n%+v, want\n%+v", got, full)
	}
}
