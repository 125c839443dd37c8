// An HTTP server whose main thread has exited: headless PORT. The process lives on in its other thread.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener;

static void *serve(void *unused) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    char request[4096];
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0)
            exit(1);
        if (read(sock, request, sizeof request) > 0 && write(sock, answer, sizeof answer - 1) < 0)
            perror("write");
        close(sock);
    }
    return unused;
}

int main(int arguments, char **values) {
    if (arguments < 2)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(values[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) {
        perror("listen");
        return 1;
    }
    pthread_t server;
    if (pthread_create(&server, NULL, serve, NULL) != 0)
        return 1;
    pthread_detach(server);
    pthread_exit(NULL);
}
