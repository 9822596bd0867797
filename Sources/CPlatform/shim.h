// What Linux offers and the Glibc module does not show to Swift.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/signalfd.h>

// prctl is variadic.
static inline int cplatform_name_this_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
// Makes this process die with its parent: a supervisor killed with SIGKILL leaves no child behind.
static inline int cplatform_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }
static inline int cplatform_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
// A connection that never blocks and is not inherited; fcntl is variadic.
static inline int cplatform_accept(int listener) {
    int connection = accept(listener, 0, 0);
    if (connection >= 0) {
        fcntl(connection, F_SETFL, O_NONBLOCK);
        fcntl(connection, F_SETFD, FD_CLOEXEC);
    }
    return connection;
}
