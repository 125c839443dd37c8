// Connections that come and go: churn COUNT PER_SECOND [data]. A server thread and a client in one process, over loopback.
//
// With `data` a byte goes each way before the client closes. The last line tells how many the server accepted.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long count, accepted;
static int with_data;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *serve(void *argument) {
    int listener = *(int *)argument;
    char byte;
    while (accepted < count) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0)
            fail("accept");
        accepted++;
        if (with_data && (read(sock, &byte, 1) != 1 || write(sock, &byte, 1) != 1))
            fail("server");
        // The client closes first, and keeps the port.
        if (read(sock, &byte, 1) != 0)
            fail("end");
        close(sock);
    }
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int arguments, char **values) {
    if (arguments < 3)
        return 2;
    count = atol(values[1]);
    double interval = 1.0 / atof(values[2]);
    with_data = arguments > 3 && strcmp(values[3], "data") == 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        fail("listen");
    pthread_t server;
    if (pthread_create(&server, NULL, serve, &listener) != 0)
        fail("thread");
    double begin = now();
    for (long n = 0; n < count; n++) {
        double early = begin + n * interval - now();
        if (early > 0.0005)
            usleep(early * 1e6);
        // Another local address every 16,384 connections: the ports of closed ones are not free for a minute.
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + n / 16384)};
        int sock = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
        setsockopt(sock, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &yes, sizeof yes);
        if (bind(sock, (struct sockaddr *)&own, sizeof own) < 0)
            fail("bind");
        if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0)
            fail("connect");
        char byte = 'x';
        if (with_data && (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1))
            fail("client");
        close(sock);
    }
    pthread_join(server, NULL);
    printf("%ld accepted, %.0f a second, port %d\n", accepted, count / (now() - begin), ntohs(address.sin_port));
    return 0;
}
