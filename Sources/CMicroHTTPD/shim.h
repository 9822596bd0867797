// GNU libmicrohttpd, and what Swift cannot call of it: its variadic functions.
#pragma once
#include <dlfcn.h>
#include <microhttpd.h>

// Everything the daemon calls back, with one context for all of it.
struct cmicrohttpd_callbacks {
  MHD_AccessHandlerCallback handle;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection;
  void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
  size_t (*unescape)(void *context, struct MHD_Connection *connection, char *text);
  MHD_LogCallback log;
  void *context;
};

// A daemon without a listening socket: connections are accepted elsewhere and added. One thread, epoll.
static inline struct MHD_Daemon *cmicrohttpd_start(struct cmicrohttpd_callbacks callbacks, size_t memory_per_connection,
                                                   unsigned int connections) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
      NULL, NULL, callbacks.handle, callbacks.context,
      MHD_OPTION_EXTERNAL_LOGGER, callbacks.log, callbacks.context,
      MHD_OPTION_NOTIFY_COMPLETED, callbacks.completed, callbacks.context,
      MHD_OPTION_NOTIFY_CONNECTION, callbacks.connection, callbacks.context,
      MHD_OPTION_URI_LOG_CALLBACK, callbacks.target, callbacks.context,
      MHD_OPTION_UNESCAPE_CALLBACK, callbacks.unescape, callbacks.context,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory_per_connection,
      MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_END);
}

static inline int cmicrohttpd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

// What the connection callback stored at the start of the connection.
static inline void *cmicrohttpd_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

// Bytes of the request line and the headers.
static inline size_t cmicrohttpd_header_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

typedef enum MHD_Result (*cmicrohttpd_queue)(struct MHD_Connection *, unsigned int, struct MHD_Response *);

// The library's own MHD_queue_response. Under this name the program has one of ours, which the library calls.
static inline cmicrohttpd_queue cmicrohttpd_queue_of_library(void) {
  return (cmicrohttpd_queue)dlsym((void *)-1l /* RTLD_NEXT, which only GNU mode declares */, "MHD_queue_response");
}
