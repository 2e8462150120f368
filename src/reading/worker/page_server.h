// The worker's side: loads a model on one device and reads the pages that it is sent, until the other end is gone.
#pragma once

namespace lectern::worker {

// Serves the process at the other end of the socket. -> the exit code: 0 when it was told to end. Does not return when
// the other end is gone: the process ends there and then, whatever it is doing. Throws Error where the descriptor is no
// socket.
int serve_pages(int channel);

}  // namespace lectern::worker
