/* Connections that are opened, used for a byte each way and closed, as fast as one is told to:
 *   rush serve PORT                 accepts, answers a byte with a byte, closes when the client has
 *   rush connect PORT RATE COUNT    so many a second; prints how many were made and how many seconds it took */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void serve(const char *port)
{
    struct sockaddr_in on = address(port);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&on, sizeof on) || listen(listener, 4096))
        die("listen");
    struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, ready[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, ready, 64, -1);
        for (int n = 0; n < count; n++) {
            int fd = ready[n].data.fd;
            char byte;
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (accepted < 0)
                    continue;
                struct epoll_event more = { .events = EPOLLIN, .data.fd = accepted };
                epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &more);
            } else if (read(fd, &byte, 1) == 1) {
                if (write(fd, &byte, 1) != 1)
                    close(fd);
            } else {
                close(fd);
            }
        }
    }
}

static void once(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 'x';
    if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to))
        die("connect");
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
        die("exchange");
    /* A reset leaves no TIME_WAIT behind: there are not ports enough for that. */
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

int main(int count, char **argument)
{
    if (count == 3 && !strcmp(argument[1], "serve")) {
        serve(argument[2]);
    } else if (count == 5 && !strcmp(argument[1], "connect")) {
        struct sockaddr_in to = address(argument[2]);
        double rate = atof(argument[3]), begin = now();
        long wanted = atol(argument[4]);
        for (long made = 0; made < wanted; made++) {
            while (rate > 0 && now() - begin < (double)made / rate)
                usleep(50);
            once(&to);
        }
        printf("%ld %.6f\n", wanted, now() - begin);
    } else {
        fprintf(stderr, "rush serve PORT | rush connect PORT RATE COUNT\n");
        return 2;
    }
    return 0;
}
