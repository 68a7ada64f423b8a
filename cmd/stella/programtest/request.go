package programtest

// Requests that clients of the tests send.
const (
	Whole      = "GET /healthz HTTP/1.1\r\nHost: id.example\r\n\r\n"
	HalfHeader = "POST /avvio HTTP/1.1\r\nHost: id.exam"
	HalfBody   = "POST /spid/acs HTTP/1.1\r\nHost: id.example\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Content-Length: 1000\r\n\r\nSAMLResponse=P"
	Page = "GET / HTTP/1.1\r\nHost: id.example\r\n\r\n"
)
