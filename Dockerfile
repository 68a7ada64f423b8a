# The image holds one static program, the certificates of the public
# authorities, and nothing else: no shell, and no PostgreSQL, so that
# STELLA_DATABASE_URL must be set. `scripts/image files` puts its files into
# bin/image; scripts/image also builds it, without a daemon.
FROM scratch
COPY bin/image/ /
USER 65532:65532
# The loopback of a container is its own.
ENV STELLA_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["/stella"]
CMD ["serve"]
