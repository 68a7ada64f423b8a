# The image holds one static program and nothing else: no shell, and no
# PostgreSQL, so STELLA_DATABASE_URL must be set.
FROM golang:1.26-bookworm AS build
ARG VERSION=development
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$VERSION" -o /stella ./cmd/stella

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /stella /stella
# Its own loopback nobody could reach.
ENV STELLA_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["/stella"]
CMD ["serve"]
