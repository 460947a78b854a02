/* The load client: N WebSocket clients in one process over epoll, without any library.
 *
 *   client PORT LEDGER LISTENERS PAIRS STALLED SAMPLE
 *
 * LISTENERS count the frames that they receive. A pair is a sender and the receiver of its typing frames. STALLED
 * clients complete the handshake and never read. The latency of every SAMPLEth frame is computed from its stamp: an
 * '@', the number of the event, a colon, and CLOCK_MONOTONIC in ns. LEDGER is a file of one page. Its first 64 bits are
 * the number of frames that the slowest listener has received, so that a server can limit its backlog.
 *
 * Reads one command per line from standard input, and prints one line of JSON for each (times in ns):
 *   reset            reset all counters
 *   wait FRAMES MS   wait until the listeners together have received FRAMES frames, until MS have passed, or until some
 *                    connections are closed and the others receive nothing more
 *   echo MS          for MS, each sender types again as soon as its receiver has received the frame
 *   flood COUNT      each sender sends COUNT frames without a recipient, then one to its receiver; wait for these
 *   quit
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTENER, SENDER, RECEIVER, STALLED };
enum { BUFFER = 1 << 18, CARRY = 1 << 16, BUCKETS = 64 * 32, COMMAND = 256, PATIENCE_S = 30, CUT_OFF_NS = 1000000000 };

struct client {
    int fd, role, number;
    uint64_t frames, sent_ns;
    size_t have; /* bytes of an unfinished frame, kept in carry */
    unsigned char *carry;
};

static struct client *clients;
static int count, listeners, pairs, stalled, sample, closed, poller;
static volatile uint64_t *ledger;
static uint64_t frames, bytes, received;
static uint64_t histogram[BUCKETS], samples, worst;
static uint64_t typing_until; /* senders type until this time */
static unsigned char buffer[BUFFER + CARRY];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* 32 buckets per power of two: a percentile is at most 3 % too high, and there is no upper limit. */
static int bucket_of(uint64_t ns)
{
    if (ns < 32)
        return (int)ns;
    int power = 63 - __builtin_clzll(ns);
    return (power - 4) * 32 + (int)((ns >> (power - 5)) & 31);
}

static uint64_t top_of(int bucket)
{
    if (bucket < 32)
        return (uint64_t)bucket;
    int power = bucket / 32 + 4;
    return ((uint64_t)(32 + bucket % 32 + 1) << (power - 5)) - 1;
}

static void took(uint64_t ns)
{
    histogram[bucket_of(ns)]++;
    samples++;
    if (ns > worst)
        worst = ns;
}

static uint64_t percentile(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)samples), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > wanted)
            return top_of(i) < worst ? top_of(i) : worst;
    }
    return worst;
}

static uint64_t least(void)
{
    uint64_t low = UINT64_MAX; /* the value if no connection is left */
    for (int i = 0; i < listeners; i++)
        if (clients[i].fd >= 0 && clients[i].frames < low)
            low = clients[i].frames;
    return low;
}

static void answer(void)
{
    uint64_t low = UINT64_MAX;
    for (int i = 0; i < listeners; i++)
        if (clients[i].frames < low)
            low = clients[i].frames;
    printf("{\"frames\": %lu, \"bytes\": %lu, \"received\": %lu, \"least\": %lu, \"closed\": %d, \"samples\": %lu, "
           "\"p50\": %lu, \"p90\": %lu, \"p99\": %lu, \"p999\": %lu, \"max\": %lu}\n",
           frames, bytes, received, listeners ? low : 0, closed, samples, percentile(.5), percentile(.9),
           percentile(.99), percentile(.999), worst);
    fflush(stdout);
}

static void forget(void)
{
    frames = bytes = received = samples = worst = 0;
    memset(histogram, 0, sizeof histogram);
    for (int i = 0; i < count; i++)
        clients[i].frames = 0;
    ledger[0] = 0;
}

static void send_all(struct client *c, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t n = send(c->fd, at, size, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd full = {c->fd, POLLOUT, 0};
            if (poll(&full, 1, 1000 * PATIENCE_S) <= 0)
                die("the server reads nothing");
        } else if (n < 0 && errno != EINTR) {
            return; /* reading detects the end of the connection */
        }
    }
}

/* Build a masked frame of less than 126 bytes; return its size. */
static size_t mask(unsigned char *out, int opcode, const void *payload, size_t size)
{
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
    out[0] = (unsigned char)(0x80 | opcode);
    out[1] = (unsigned char)(0x80 | size);
    memcpy(out + 2, key, 4);
    for (size_t i = 0; i < size; i++)
        out[6 + i] = ((const unsigned char *)payload)[i] ^ key[i & 3];
    return size + 6;
}

static size_t typing(unsigned char *frame, char kind, int to)
{
    char text[96];
    int size = snprintf(text, sizeof text, "{\"event\":\"typing\",\"data\":{\"to\":\"%c%d\",\"typing\":true}}", kind, to);
    return mask(frame, 1, text, (size_t)size);
}

static void type(struct client *sender)
{
    unsigned char frame[128];
    sender->sent_ns = now_ns();
    send_all(sender, frame, typing(frame, 'r', sender->number));
}

static void text_came(struct client *c, const unsigned char *payload, size_t size, uint64_t now)
{
    c->frames++;
    if (c->role == RECEIVER) {
        struct client *sender = c - 1;
        if (memchr(payload, '@', size))
            return; /* an event for all clients */
        took(now - sender->sent_ns);
        received++;
        if (now < typing_until)
            type(sender);
        return;
    }
    if (c->role != LISTENER)
        return;
    frames++;
    bytes += size;
    if (c->frames % (uint64_t)sample)
        return;
    const unsigned char *at = memchr(payload, '@', size);
    const unsigned char *end = payload + size;
    if (!at || !(at = memchr(at, ':', (size_t)(end - at))))
        return;
    uint64_t stamp = 0;
    for (at++; at < end && *at >= '0' && *at <= '9'; at++)
        stamp = stamp * 10 + (uint64_t)(*at - '0');
    took(now > stamp ? now - stamp : 0);
}

/* Handle one frame; return its size, or 0 if it is incomplete. */
static size_t take(struct client *c, const unsigned char *at, size_t have, uint64_t now)
{
    if (have < 2)
        return 0;
    size_t header = 2, size = at[1] & 127;
    if (size == 126) {
        header = 4;
        if (have < header)
            return 0;
        size = (size_t)at[2] << 8 | at[3];
    } else if (size == 127) {
        fprintf(stderr, "client: a frame of over 64 KiB\n");
        exit(1);
    }
    if (have < header + size)
        return 0;
    int opcode = at[0] & 15;
    if (opcode == 1) {
        text_came(c, at + header, size, now);
    } else if (opcode == 9) {
        unsigned char pong[140];
        send_all(c, pong, mask(pong, 10, at + header, size));
    }
    return header + size;
}

static void lost(struct client *c)
{
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    closed++;
}

static void parse(struct client *c, size_t have)
{
    uint64_t now = now_ns();
    size_t at = 0, size;
    while ((size = take(c, buffer + at, have - at, now)))
        at += size;
    c->have = have - at;
    if (c->have > CARRY)
        die("a frame that is too long");
    memcpy(c->carry, buffer + at, c->have);
}

static void readable(struct client *c)
{
    if (c->fd < 0)
        return;
    memcpy(buffer, c->carry, c->have);
    ssize_t n = recv(c->fd, buffer + c->have, BUFFER, 0);
    if (n > 0)
        parse(c, c->have + (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        lost(c);
}

static void join(struct client *c, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, small = 4096;
    struct timeval patience = {PATIENCE_S, 0};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0)
        die("socket");
    if (c->role == STALLED)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    static const char *const names[] = {"l", "s", "r", "x"};
    char text[512];
    int size = snprintf(text, sizeof text,
                        "GET /events?username=%s%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n",
                        names[c->role], c->number, port);
    send_all(c, text, (size_t)size);
    size_t have = 0;
    unsigned char *end;
    do {
        ssize_t n = recv(c->fd, buffer + have, CARRY - have, 0);
        if (n <= 0)
            die("the server does not answer the handshake");
        have += (size_t)n;
    } while (!(end = memmem(buffer, have, "\r\n\r\n", 4)));
    if (memcmp(buffer, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "client: refused: %.*s\n", (int)have, buffer);
        exit(1);
    }
    have -= (size_t)(end + 4 - buffer);
    memmove(buffer, end + 4, have);
    parse(c, have);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->role != STALLED && epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll_ctl");
}

static void turn(int timeout_ms)
{
    static struct epoll_event events[256];
    int n = epoll_wait(poller, events, 256, timeout_ms);
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr)
            readable(events[i].data.ptr);
    if (n > 0)
        ledger[0] = least();
}

static void wait_for(const uint64_t *counter, uint64_t wanted, uint64_t ms)
{
    uint64_t deadline = now_ns() + ms * 1000000, seen = *counter, last = now_ns();
    while (*counter < wanted && now_ns() < deadline) {
        turn(10);
        if (*counter != seen) {
            seen = *counter;
            last = now_ns();
        } else if (closed && now_ns() - last > CUT_OFF_NS) {
            return;
        }
    }
}

static void echo(uint64_t ms)
{
    typing_until = now_ns() + ms * 1000000;
    for (int i = 0; i < pairs; i++)
        type(&clients[listeners + 2 * i]);
    uint64_t deadline = typing_until + PATIENCE_S * 1000000000ull;
    while (now_ns() < typing_until)
        turn(10);
    for (int quiet = 0; quiet < 5 && now_ns() < deadline; quiet++) { /* also count frames that are still in transit */
        uint64_t before = received;
        turn(10);
        if (received != before)
            quiet = -1;
    }
}

static void flood(uint64_t number)
{
    static unsigned char block[1 << 16];
    unsigned char frame[128];
    size_t size = typing(frame, 'n', 0), many = sizeof block / size;
    for (size_t i = 0; i < many; i++)
        memcpy(block + i * size, frame, size);
    typing_until = 0;
    for (uint64_t left = number; left;) { /* one block per sender in turns, so that all are busy */
        uint64_t now = left < many ? left : many;
        for (int i = 0; i < pairs; i++)
            send_all(&clients[listeners + 2 * i], block, now * size);
        left -= now;
        turn(0);
    }
    for (int i = 0; i < pairs; i++)
        type(&clients[listeners + 2 * i]);
    wait_for(&received, (uint64_t)pairs, PATIENCE_S * 1000);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: client PORT LEDGER LISTENERS PAIRS STALLED SAMPLE\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int port = atoi(argv[1]);
    int page = open(argv[2], O_RDWR);
    ledger = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
    if (page < 0 || ledger == MAP_FAILED)
        die(argv[2]);
    listeners = atoi(argv[3]);
    pairs = atoi(argv[4]);
    stalled = atoi(argv[5]);
    sample = atoi(argv[6]) > 0 ? atoi(argv[6]) : 1;
    count = listeners + 2 * pairs + stalled;
    clients = calloc((size_t)count, sizeof *clients);
    poller = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct client *c = &clients[i];
        int pair = i - listeners;
        c->role = i < listeners ? LISTENER : pair >= 2 * pairs ? STALLED : pair % 2 ? RECEIVER : SENDER;
        c->number = c->role == SENDER || c->role == RECEIVER ? pair / 2 : i;
        if (!(c->carry = malloc(CARRY)))
            die("malloc");
        join(c, port);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    forget();
    printf("{\"ready\": %d}\n", count);
    fflush(stdout);
    char line[COMMAND];
    size_t have = 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, line + have, sizeof line - 1 - have);
        if (n == 0)
            return 0;
        if (n < 0) {
            turn(-1);
            continue;
        }
        have += (size_t)n;
        line[have] = 0;
        if (line[have - 1] != '\n')
            continue;
        have = 0;
        unsigned long a = 0, b = 0;
        if (!strncmp(line, "reset", 5))
            forget();
        else if (sscanf(line, "wait %lu %lu", &a, &b) == 2)
            wait_for(&frames, a, b);
        else if (sscanf(line, "echo %lu", &a) == 1)
            echo(a);
        else if (sscanf(line, "flood %lu", &a) == 1)
            flood(a);
        else
            return 0;
        answer();
    }
}
