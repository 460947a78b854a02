/* The lower limit of any server: only the unavoidable system calls, and the protocol that the load client needs.
 *
 * Prints "ready PORT". Commands and responses are those of servers/commands.py: paced, tick and rate. A tick is one
 * send() of its frames per client. A typing frame is forwarded to the receiver that it names: one recv() and one send().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 16384, FRAME = 512, TICK = 20 };

static int clients[MANY], count, listener, poller;
static int receivers[MANY]; /* the socket of "r7" plus 1, or 0 */
static int senders[MANY];   /* the number of a sender plus 1, by its socket, or 0 */
static volatile uint64_t *ledger;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void welcome(void)
{
    static const char yes[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* for the example key of RFC 6455 */
    char request[4096];
    int one = 1, fd = accept(listener, NULL, NULL);
    size_t have = 0;
    do {
        ssize_t n = recv(fd, request + have, sizeof request - 1 - have, 0);
        if (n <= 0) {
            close(fd);
            return;
        }
        request[have += (size_t)n] = 0;
    } while (!strstr(request, "\r\n\r\n"));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    send(fd, yes, sizeof yes - 1, MSG_NOSIGNAL);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    clients[count++] = fd;
    const char *name = strstr(request, "username=");
    int number = name ? atoi(name + 10) : MANY;
    if (number < MANY && name[9] == 'r')
        receivers[number] = fd + 1;
    if (fd < MANY)
        senders[fd] = number < MANY && name[9] == 's' ? number + 1 : 0;
}

/* Forward a masked typing frame of less than 126 bytes to its receiver. */
static void forward(int from, const unsigned char *frame)
{
    char text[126];
    unsigned char out[128];
    size_t size = frame[1] & 127;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(frame[6 + i] ^ frame[2 + (i & 3)]);
    text[size] = 0;
    const char *to = strstr(text, "\"to\":\"r");
    int number = to ? atoi(to + 7) : MANY;
    if (number >= MANY || !receivers[number])
        return;
    out[0] = 0x81;
    out[1] = (unsigned char)snprintf((char *)out + 2, sizeof out - 2,
                                     "{\"event\":\"typing\",\"data\":{\"username\":\"s%d\",\"typing\":true}}",
                                     senders[from] - 1);
    send(receivers[number] - 1, out, out[1] + 2u, MSG_NOSIGNAL);
}

static void hear(int fd)
{
    unsigned char data[4096];
    ssize_t n = recv(fd, data, sizeof data, 0);
    if (n > 0 && fd < MANY && senders[fd])
        for (ssize_t at = 0; at + 6 <= n && at + 6 + (data[at + 1] & 127) <= n; at += 6 + (data[at + 1] & 127))
            forward(fd, data + at);
    if (n > 0 || (n < 0 && errno == EAGAIN))
        return;
    close(fd);
    for (int i = 0; i < count; i++)
        if (clients[i] == fd)
            clients[i--] = clients[--count];
}

/* Run one iteration of the event loop; return whether there is a command. */
static int turn(int timeout_ms)
{
    struct epoll_event events[64];
    int commanded = 0, n = epoll_wait(poller, events, 64, timeout_ms);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == listener)
            welcome();
        else if (fd == STDIN_FILENO)
            commanded = 1;
        else
            hear(fd);
    }
    return commanded;
}

static size_t build(unsigned char *out, uint64_t number, uint64_t stamp)
{
    int size = snprintf((char *)out + 4, FRAME - 4,
        "{\"event\":\"new_message\",\"data\":{\"msg_id\":\"0b5c9f7e-3f5e-4a0e-9d59-2f5b0a6f1c11\",\"from\":\"alice\","
        "\"to\":\"me\",\"text\":\"@%010lu:%020lu hello\",\"timestamp\":\"2026-01-01T12:00:00Z\","
        "\"direction\":\"received\",\"delivered\":true,\"delivery_method\":\"direct\"}}", number, stamp);
    out[0] = 0x81;
    out[1] = 126;
    out[2] = (unsigned char)(size >> 8);
    out[3] = (unsigned char)size;
    return (size_t)size + 4;
}

static void fan_out(const unsigned char *data, size_t size)
{
    for (int i = 0; i < count; i++) {
        size_t sent = 0;
        while (sent < size) {
            ssize_t n = send(clients[i], data + sent, size - sent, MSG_NOSIGNAL);
            if (n > 0) {
                sent += (size_t)n;
            } else if (n < 0 && errno == EAGAIN) {
                struct pollfd full = {clients[i], POLLOUT, 0};
                poll(&full, 1, 1000);
            } else {
                break;
            }
        }
    }
}

static uint64_t load(int batch, uint64_t ms, uint64_t window)
{
    static unsigned char block[TICK * FRAME];
    uint64_t sent = 0, end = now_ns() + ms * 1000000;
    while (now_ns() < end) {
        if (sent - ledger[0] >= window && ledger[0] != UINT64_MAX) {
            usleep(500);
            continue;
        }
        size_t size = 0;
        for (int i = 0; i < batch; i++)
            size += build(block + size, sent++, now_ns());
        fan_out(block, size);
        turn(0);
    }
    return sent;
}

static uint64_t rate(uint64_t per_s, uint64_t ms) /* a loop that does nothing else is never late */
{
    unsigned char frame[FRAME];
    uint64_t start = now_ns(), total = per_s * ms / 1000, step = 1000000000u / per_s;
    for (uint64_t sent = 0; sent < total; sent++) {
        pause_until(start + sent * step);
        fan_out(frame, build(frame, sent, start + sent * step));
        turn(0);
    }
    return total;
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024))
        return 1;
    getsockname(listener, (struct sockaddr *)&at, &size);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    printf("ready %d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        if (!turn(-1))
            continue;
        char line[512], path[400];
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        if (n <= 0)
            return 0;
        line[n] = 0;
        unsigned long a = 0, b = 0;
        uint64_t sent = 0;
        if (sscanf(line, "ledger %399s", path) == 1)
            ledger = mmap(NULL, 4096, PROT_READ, MAP_SHARED, open(path, O_RDONLY), 0);
        else if (sscanf(line, "paced %lu %lu", &a, &b) == 2)
            sent = load(1, a, b);
        else if (sscanf(line, "uncorked %lu %lu", &a, &b) == 2)
            sent = load(1, a, b);
        else if (sscanf(line, "tick %lu %lu", &a, &b) == 2)
            sent = load(TICK, a, b);
        else if (sscanf(line, "rate %lu %lu", &a, &b) == 2)
            sent = rate(a, b);
        printf("{\"sent\": %lu, \"due\": %lu}\n", sent, sent);
        fflush(stdout);
    }
}
