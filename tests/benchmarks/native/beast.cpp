// The guide's design (§4) as a yardstick: one thread, one session per client with a queue of strings, one async_write
// at a time, and each send posted to the session's executor with a copy of the text. Boost.Beast without TLS, without
// a Nagle option, and with the timeouts of the guide.
//
// Prints "ready PORT". Commands and responses are those of servers/commands.py: paced, tick, burst and rate.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <queue>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>  // must precede Boost 1.74, whose coroutines do not include it

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = beast::websocket;
using tcp = asio::ip::tcp;
using clock_type = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as in the load client

class Session;

class Server {
public:
    explicit Server(asio::io_context& io) : acceptor_(io, {asio::ip::address_v4::loopback(), 0}) { accept(); }
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    void join(std::shared_ptr<Session> who)
    {
        std::lock_guard held(mutex_);
        sessions_.insert(std::move(who));
    }
    void leave(const std::shared_ptr<Session>& who)
    {
        std::lock_guard held(mutex_);
        sessions_.erase(who);
    }
    void broadcast(const std::string& text);

private:
    void accept();

    tcp::acceptor acceptor_;
    std::mutex mutex_;
    std::set<std::shared_ptr<Session>> sessions_;
};

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, Server& server) : stream_(std::move(socket)), server_(server) {}

    void run()
    {
        stream_.set_option(ws::stream_base::timeout::suggested(beast::role_type::server));
        stream_.async_accept([self = shared_from_this()](beast::error_code error) {
            if (error)
                return;
            self->server_.join(self);
            self->read();
        });
    }

    void send(const std::string& text)
    {
        asio::post(stream_.get_executor(), [self = shared_from_this(), text] {
            self->queue_.push(text);
            if (!self->writing_)
                self->write();
        });
    }

private:
    void read()
    {
        stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) {
                self->server_.leave(self);
                return;
            }
            self->buffer_.consume(self->buffer_.size());
            self->read();
        });
    }

    void write()
    {
        if (queue_.empty()) {
            writing_ = false;
            return;
        }
        writing_ = true;
        stream_.text(true);
        stream_.async_write(asio::buffer(queue_.front()),
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                                if (error) {
                                    self->server_.leave(self);
                                    return;
                                }
                                self->queue_.pop();
                                self->write();
                            });
    }

    ws::stream<beast::tcp_stream> stream_;
    Server& server_;
    beast::flat_buffer buffer_;
    std::queue<std::string> queue_;
    bool writing_ = false;
};

void Server::broadcast(const std::string& text)
{
    std::lock_guard held(mutex_);
    for (auto& each : sessions_)
        each->send(text);
}

void Server::accept()
{
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
        if (error)
            return;
        std::make_shared<Session>(std::move(socket), *this)->run();
        accept();
    });
}

static std::uint64_t ns(clock_type::time_point at)
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

static std::string message(std::uint64_t number, std::uint64_t stamp)
{
    char text[512];
    std::snprintf(text, sizeof text,
        R"({"event":"new_message","data":{"msg_id":"0b5c9f7e-3f5e-4a0e-9d59-2f5b0a6f1c11","from":"alice","to":"me",)"
        R"("text":"@%010llu:%020llu hello","timestamp":"2026-01-01T12:00:00Z","direction":"received",)"
        R"("delivered":true,"delivery_method":"direct"}})",
        static_cast<unsigned long long>(number), static_cast<unsigned long long>(stamp));
    return text;
}

// One kind of load, as a chain of handlers in the server's event loop.
struct Load {
    asio::io_context& io;
    Server& server;
    const volatile std::uint64_t* ledger = nullptr;
    asio::steady_timer timer{io};
    std::uint64_t sent = 0, due = 0;

    void done()
    {
        std::printf("{\"sent\": %llu, \"due\": %llu}\n", static_cast<unsigned long long>(sent),
                    static_cast<unsigned long long>(std::max(sent, due)));
        std::fflush(stdout);
    }

    void loop(int batch, std::uint64_t window, clock_type::time_point end)
    {
        if (clock_type::now() >= end)
            return done();
        if (ledger[0] != UINT64_MAX && sent - ledger[0] >= window) {
            timer.expires_after(std::chrono::microseconds(500));
            timer.async_wait([=, this](beast::error_code) { loop(batch, window, end); });
            return;
        }
        for (int i = 0; i < batch; i++)
            server.broadcast(message(sent++, ns(clock_type::now())));
        asio::post(io, [=, this] { loop(batch, window, end); });
    }

    void burst(std::uint64_t count)
    {
        while (sent < count)
            server.broadcast(message(sent++, ns(clock_type::now())));
        done();
    }

    void rate(std::chrono::nanoseconds step, clock_type::time_point start)
    {
        auto end = start + step * due + std::chrono::milliseconds(50);
        for (int i = 0; i < 20 && sent < due && start + step * sent <= clock_type::now(); i++)
            server.broadcast(message(sent, ns(start + step * sent))), sent++;
        if (sent == due || clock_type::now() >= end)
            return done();
        timer.expires_at(start + step * sent);
        timer.async_wait([=, this](beast::error_code) { rate(step, start); });
    }

    void obey(const std::string& line)
    {
        std::istringstream words(line);
        std::string verb, path;
        std::uint64_t a = 0, b = 0;
        words >> verb;
        sent = due = 0;
        if (verb == "ledger") {
            words >> path;
            ledger = static_cast<const std::uint64_t*>(
                mmap(nullptr, 4096, PROT_READ, MAP_SHARED, open(path.c_str(), O_RDONLY), 0));
            return done();
        }
        words >> a >> b;
        if (verb == "burst")
            return burst(a);
        if (verb == "rate") {
            due = a * b / 1000;
            return rate(std::chrono::nanoseconds(1000000000 / a), clock_type::now());
        }
        loop(verb == "tick" ? 20 : 1, b, clock_type::now() + std::chrono::milliseconds(a));
    }
};

int main()
{
    asio::io_context io;
    Server server(io);
    Load load{io, server};
    std::printf("ready %d\n", server.port());
    std::fflush(stdout);
    std::thread commands([&] {
        std::string line;
        while (std::getline(std::cin, line))
            asio::post(io, [&load, line] { load.obey(line); });
        std::_Exit(0);
    });
    io.run();
}
