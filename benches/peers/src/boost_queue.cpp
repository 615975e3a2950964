// Boost.Interprocess' message_queue for Rust: exceptions end here.

#include <cstddef>
#include <new>

#include <boost/interprocess/ipc/message_queue.hpp>

using boost::interprocess::message_queue;

namespace {

template <class F> int guarded(F call) {
    try {
        return call() ? 1 : 0;
    } catch (...) {
        return -1;
    }
}

} // namespace

extern "C" {

// A new queue whose name is removed at once; null if there is none. Forked processes inherit it.
void *boost_queue_new(const char *name, std::size_t depth, std::size_t longest) {
    try {
        auto queue = new message_queue(boost::interprocess::create_only, name, depth, longest);
        message_queue::remove(name);
        return queue;
    } catch (...) {
        message_queue::remove(name);
        return nullptr;
    }
}

void boost_queue_free(void *queue) { delete static_cast<message_queue *>(queue); }

// 1: sent; 0: full, and it was not to wait; -1: broken.
int boost_queue_send(void *queue, const void *payload, std::size_t length, int waits) {
    auto &q = *static_cast<message_queue *>(queue);
    return guarded([&] {
        if (waits == 0) {
            return q.try_send(payload, length, 0);
        }
        q.send(payload, length, 0);
        return true;
    });
}

// 1: received, with the length; 0: empty, and it was not to wait; -1: broken.
int boost_queue_receive(void *queue, void *buffer, std::size_t room, std::size_t *length,
                        int waits) {
    auto &q = *static_cast<message_queue *>(queue);
    return guarded([&] {
        message_queue::size_type received = 0;
        unsigned priority = 0;
        bool done = true;
        if (waits == 0) {
            done = q.try_receive(buffer, room, received, priority);
        } else {
            q.receive(buffer, room, received, priority);
        }
        *length = received;
        return done;
    });
}
}
