// Programs that come and go: storm PER_SECOND SECONDS PORT executes itself so many times a second, each time to make a few
// connections to a server of rush.c, a byte each way on each; with `http` as a fourth argument, one request to a server of HTTP.
// The last line tells how many programs were executed.
#include <arpa/inet.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What one program does.
#define CONNECTIONS 4

extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int one(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int n = 0; n < CONNECTIONS; n++) {
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        char byte = 'x';
        if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0 || write(sock, &byte, 1) != 1 ||
            read(sock, &byte, 1) != 1)
            return 1;
        close(sock);
    }
    return 0;
}

static int ask(int port) {
    static const char request[] = "GET /short/ HTTP/1.1\r\nHost: storm\r\nConnection: close\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char answer[4096];
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0 || write(sock, request, sizeof request - 1) < 0)
        return 1;
    while (read(sock, answer, sizeof answer) > 0)
        ;
    return close(sock);
}

int main(int arguments, char **values) {
    if (arguments == 2)
        return one(atoi(values[1]));
    if (arguments == 3)
        return ask(atoi(values[1]));
    if (arguments < 4)
        return 2;
    double interval = 1 / atof(values[1]), begin = now(), end = begin + atof(values[2]);
    char *child[] = {values[0], values[3], arguments > 4 ? values[4] : NULL, NULL};
    long count = 0;
    for (; now() < end; count++) {
        double early = begin + count * interval - now();
        if (early > 0.0005)
            usleep(early * 1e6);
        pid_t pid;
        if (posix_spawn(&pid, values[0], NULL, NULL, child, environ) != 0)
            return 1;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    while (wait(NULL) > 0)
        ;
    printf("%ld executed, %.0f a second\n", count, count / (now() - begin));
    return 0;
}
