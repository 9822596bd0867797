// What libmicrohttpd can do at best: one constant answer, given by its own thread. `make bench` holds the gateway
// against it. Build: cc -O2 httpfloor.c -lmicrohttpd; run: httpfloor PORT.
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char body[] = "{\"id\":1,\"title\":\"a book of some length\",\"price\":12}";

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *target, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
  static int seen;
  (void)context, (void)target, (void)method, (void)version, (void)upload;
  if (!*request) {
    *request = &seen;
    return MHD_YES;
  }
  if (*upload_size) {
    *upload_size = 0;
    return MHD_YES;
  }
  struct MHD_Response *response =
      MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(response, "Content-Type", "application/json");
  enum MHD_Result result = MHD_queue_response(connection, 200, response);
  MHD_destroy_response(response);
  return result;
}

int main(int count, char **arguments) {
  int port = count == 2 ? atoi(arguments[1]) : 0;
  if (port <= 0 || port > 65535) {
    fprintf(stderr, "usage: httpfloor PORT\n");
    return 2;
  }
  if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (unsigned short)port, NULL, NULL, answer, NULL,
                        MHD_OPTION_END)) {
    fprintf(stderr, "httpfloor: cannot listen on port %d\n", port);
    return 1;
  }
  printf("listening on port %d\n", port);
  fflush(stdout);
  pause();
  return 0;
}
