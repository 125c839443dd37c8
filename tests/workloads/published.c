// An HTTP server with what an OpenTelemetry SDK publishes: published PORT. It publishes its resource (OTEP 4719), as version 1 of a
// service, and for the time of a call whose span it is in (OTEP 4947).
//
// GET /version/TEXT: publishes another version. GET /ask/PORT/TRACE/SPAN/FLAGS: asks the server on that port for /TRACE, in that span;
// TRACE may be `none`. All else is answered.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

struct header {
    char signature[8];
    uint32_t version, size;
    _Atomic uint64_t published_ns;
    uint64_t payload;
};

struct record {
    uint8_t trace[16], span[8], valid, flags;
    uint16_t attributes;
};

__attribute__((visibility("default"))) __thread struct record *otel_thread_ctx_v1;
static __thread struct record own;
static struct header *header;

// Field `number` of a message: bytes of less than 128.
static size_t field(uint8_t *into, int number, const void *bytes, size_t length) {
    uint8_t content[256];
    memcpy(content, bytes, length);
    into[0] = number << 3 | 2;
    into[1] = length;
    memcpy(into + 2, content, length);
    return length + 2;
}

static size_t attribute(uint8_t *into, const char *key, const char *value) {
    uint8_t text[256], pair[256];
    size_t length = field(text, 1, value, strlen(value));
    size_t end = field(pair, 1, key, strlen(key));
    end += field(pair + end, 2, text, length);
    return field(into, 1, pair, end);
}

// ProcessContext { resource: Resource { attributes: [..] }, attributes: [..] }
static void publish(const char *version) {
    static uint8_t payloads[2][1024];
    static int which;
    uint8_t *payload = payloads[which ^= 1], resource[512], pair[256];
    size_t end = attribute(resource, "service.name", "published-shop");
    end += attribute(resource + end, "service.version", version);
    end += attribute(resource + end, "process.command_line", "secret");
    payload[0] = 1 << 3 | 2;
    payload[1] = (end & 0x7f) | 0x80;
    payload[2] = end >> 7;
    memcpy(payload + 3, resource, end);
    end += 3;
    size_t length = attribute(pair, "threadlocal.schema_version", "tlsdesc_v1_dev");
    end += field(payload + end, 2, pair + 2, length - 2);

    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    atomic_store(&header->published_ns, 0);
    header->version = 2;
    header->size = end;
    header->payload = (uint64_t)(uintptr_t)payload;
    atomic_store(&header->published_ns, now.tv_sec * 1000000000ull + now.tv_nsec);
    memcpy(header->signature, "OTEL_CTX", 8);
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, header, 4096, "OTEL_CTX");
}

static void hex(uint8_t *into, size_t bytes, const char *text) {
    for (size_t at = 0; at < bytes; at++)
        sscanf(text + 2 * at, "%2hhx", &into[at]);
}

static void ask(int port, const char *trace, const char *span, const char *flags) {
    if (strcmp(trace, "none") != 0) {
        hex(own.trace, 16, trace);
        hex(own.span, 8, span);
        hex(&own.flags, 1, flags);
        own.valid = 1;
        otel_thread_ctx_v1 = &own;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    char text[4096];
    int length = snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: up\r\nConnection: close\r\n\r\n", trace);
    if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0 || write(sock, text, length) != length)
        perror("ask");
    while (read(sock, text, sizeof text) > 0) {
    }
    close(sock);
    otel_thread_ctx_v1 = NULL;
}

int main(int arguments, char **values) {
    if (arguments < 2)
        return 2;
    int memory = memfd_create("OTEL_CTX", MFD_CLOEXEC);
    if (memory < 0 || ftruncate(memory, 4096) < 0)
        return 1;
    header = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, 0);
    close(memory);
    madvise(header, 4096, MADV_DONTFORK);
    publish("1");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(values[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) {
        perror("listen");
        return 1;
    }
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    for (;;) {
        int sock = accept(listener, NULL, NULL), port;
        char request[4096], version[64], trace[64], span[64], flags[64];
        ssize_t length = read(sock, request, sizeof request - 1);
        request[length > 0 ? length : 0] = 0;
        if (sscanf(request, "GET /version/%63[^ ]", version) == 1)
            publish(version);
        if (sscanf(request, "GET /ask/%d/%63[^/]/%63[^/]/%63[^ ]", &port, trace, span, flags) == 4)
            ask(port, trace, span, flags);
        if (length > 0 && write(sock, answer, sizeof answer - 1) < 0)
            perror("write");
        close(sock);
    }
}
