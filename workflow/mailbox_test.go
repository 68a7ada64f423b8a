package workflow_test

import (
	"reflect"
	"slices"
	"testing"

	"stella/workflow"
)

// Two records that differ in a field are not the same, whatever the field.
func TestSameComparesEveryField(t *testing.T) {
	t.Parallel()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[workflow.Record]()) {
		if slices.Contains([]string{"ID", "ImportedBy", "ImportedAt"}, f.Name) {
			continue
		}
		var changed workflow.Record
		switch v := reflect.ValueOf(&changed).Elem().FieldByIndex(f.Index); v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		default:
			t.Fatalf("the test sets no value of %s", f.Name)
		}
		if changed.Same(workflow.Record{}) {
			t.Errorf("Same does not compare %s", f.Name)
		}
	}
}
