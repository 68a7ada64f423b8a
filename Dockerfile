# The image contains one static program, its licences and the certificates of
# the public authorities. It contains no shell and no PostgreSQL, so
# STELLA_DATABASE_URL must be set. `scripts/image files` writes the files to
# bin/image. `scripts/image` also builds the image, without a daemon.
FROM scratch
COPY bin/image/ /
USER 65532:65532
# The default, 127.0.0.1, cannot be reached from outside a container.
ENV STELLA_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["/stella"]
CMD ["serve"]
