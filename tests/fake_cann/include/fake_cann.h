// What a test can ask of the fake, and do to it. None of this exists in the real toolkit.
//
// A child process is told by its environment what a test in this process says by calls:
//   FAKE_CANN_VERSION=8.5.0                the toolkit's version; 8.3.RC1 when not given
//   FAKE_CANN_SOC=Ascend310P3              Ascend910B2 when not given
//   FAKE_CANN_DEVICES=2                    1 when not given
//   FAKE_CANN_MEMORY=1073741824            bytes of each device; 4 GiB when not given
//   FAKE_CANN_MEMORY_OF=2:33554432         bytes of device 2
//   FAKE_CANN_HOLD=0,2:500:3               after 500 pieces of work devices 0 and 2 wait until three have failed
//   FAKE_CANN_KILL=1:500                   the process is killed when device 1 has done 500 pieces of work
//   FAKE_CANN_ABSENT=aclnnSilu,aclnnGelu   as fake_cann_absent
//   FAKE_CANN_REFUSING=aclnnSilu:561003    as fake_cann_refuse
//   FAKE_CANN_FAIL=malloc:3,copy:1@1       the third allocation anywhere, the first copy of device 1
//   FAKE_CANN_SHAPES=1                     as fake_cann_shapes_only
//   FAKE_CANN_OLD_DRIVER=1                 as fake_cann_old_driver
//   FAKE_CANN_STRICT=1                     ends the process at the first violation, and at its end when it leaked
#ifndef FAKE_CANN_H_
#define FAKE_CANN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum FakeCannCall {
  FAKE_CANN_ANY,            // every call counted below
  FAKE_CANN_INIT,           // aclInit
  FAKE_CANN_SET_DEVICE,     // setting devices and contexts
  FAKE_CANN_CREATE_STREAM,  //
  FAKE_CANN_CREATE_EVENT,   //
  FAKE_CANN_EVENT,          // recording, waiting, timing
  FAKE_CANN_MALLOC,         // device memory
  FAKE_CANN_MALLOC_HOST,    // pinned memory
  FAKE_CANN_COPY,           // copies and fills, on a stream or not
  FAKE_CANN_OBJECT,         // tensors, scalars, arrays and lists: null is returned
  FAKE_CANN_PREPARE,        // first calls of operators
  FAKE_CANN_REPEAT,         // making executors repeatable
  FAKE_CANN_LAUNCH,         // second calls of operators
  FAKE_CANN_SYNCHRONIZE,    //
  FAKE_CANN_EXECUTE,        // work as the device does it: the error appears when somebody synchronises
  FAKE_CANN_CAPTURE,        // beginning to capture
  FAKE_CANN_CAPTURE_END,    //
  FAKE_CANN_REPLAY,         // giving what was captured to a stream
  FAKE_CANN_CALLS           // how many kinds there are
} FakeCannCall;

enum { FAKE_CANN_ANY_DEVICE = -1 };

// Everything as in a fresh process, its environment included. Whatever still exists is forgotten, unchecked.
void fake_cann_reset(void);

// Rules of the contract that were broken: one line each, empty when there are none. Good until this thread's next
// call of one of these two.
const char* fake_cann_violations(void);
// What exists now: device and pinned memory, streams, events, contexts, executors, operands. One line for each kind.
const char* fake_cann_leaks(void);

// The nth call of this kind from now on (1 is the next), on this device, fails with `code`; 0 takes the usual one.
void fake_cann_fail(int32_t device, FakeCannCall call, uint64_t nth, int code);
// The next piece of work of this device does not end until its stream is aborted.
void fake_cann_hang(int32_t device);
// Calls so far. A test fails each in turn by running until fake_cann_calls() stays below n.
uint64_t fake_cann_calls(int32_t device, FakeCannCall call);
// Name of a kind, as in FAKE_CANN_FAIL.
const char* fake_cann_call_name(FakeCannCall call);

// Operators whose symbols cannot be looked up, separated by commas, besides those that the version lacks.
void fake_cann_absent(const char* operators);
// The first call of this operator returns `status` (561003: no kernel installed); 0 lifts it.
void fake_cann_refuse(const char* name, int status);
// Operators that have run on devices so far, by name; null counts all.
uint64_t fake_cann_runs(const char* name);

void fake_cann_set_version(const char* version);
void fake_cann_set_soc(const char* name);
void fake_cann_set_devices(uint32_t count);
void fake_cann_set_memory(int32_t device, size_t bytes);
// A driver with which nothing can be captured.
void fake_cann_old_driver(int on);

// What was asked of the cards since the start or the last fake_cann_forget_costs, counted when it was given to them.
// What ranks of HCCL do together is no operator.
typedef struct FakeCannCosts {
  uint64_t launches;        // operators given to the card, those of a replay among them
  uint64_t full_calls;      // calls with a first half of their own, those that were captured among them
  uint64_t repeated_calls;  // second halves alone
  uint64_t graph_launches;  // replays
  uint64_t replayed;        // operators in them
  uint64_t ai_cpu;          // kernels on the AI CPU
  uint64_t hidden_copies;   // kernels on the AI cores beside the operators' own
  uint64_t uploads, downloads, download_bytes;
  uint64_t waits;  // of the host, for work that was not done
  double bytes;    // read and written by operators
  double operations;
  uint64_t exchanges;     // of HCCL
  double exchange_bytes;  // that a rank gives to one, summed
} FakeCannCosts;
FakeCannCosts fake_cann_costs(void);
// Of one card, by threads that had set it.
FakeCannCosts fake_cann_costs_of(int32_t device);
void fake_cann_forget_costs(void);
// The same by operator, a line each. Good until this thread's next call.
const char* fake_cann_cost_lines(void);
// Counts and checks all but computes nothing: device memory holds nothing and takes up none, copies to the host are
// zeros.
void fake_cann_shapes_only(int on);

// Ranks of HCCL wait so long for each other, when they join and when they work together; 10 s when nothing is said.
// What comes later is a time-out, of HCCL (9) or of the card (507046).
void fake_cann_set_patience(uint32_t milliseconds);
// The next call of an HCCL function of this name, by any rank, returns `code`.
void fake_cann_fail_hccl(const char* name, int code);
// Communicators that exist.
uint64_t fake_cann_communicators(void);

// Reads device memory behind the contract's back; 0 if that is no device memory.
int fake_cann_peek(const void* device_memory, void* host, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
