//! The texts of `--help` that follow the options: examples first.

pub(crate) const MAIN: &str = "\
Examples:
  ringpost create jobs --capacity 4096      make a queue
  ringpost put jobs < urls.txt              put each line into it
  ringpost get jobs --follow | worker       feed a worker, until the queue is shut down
  ringpost work jobs -j4 -- ./job {}        run a command for each item, crash-safe
  ringpost stat jobs                        look at it
  ringpost shutdown jobs                    no more puts; followers drain it and end
  ringpost rm jobs                          remove it
  ringpost demo                             see it work: a million messages, checked

A queue is a file in /dev/shm. It stays there, with its items, until `rm` or a reboot.

Exit codes:
  0    done
  1    nothing there, or not in time: an empty `get`, a timeout
  2    the command line was wrong
  3    failed: no such queue, no permission, damaged, a bad input, a check that did not pass
  4    closed: the queue was shut down before the work was done
  5    some items could not be worked on: they are in the quarantine
  130  interrupted by Ctrl-C (128 and the number of the signal: 143 for SIGTERM)
  141  who read the output went away (as SIGPIPE would give)";

pub(crate) const CREATE: &str = "\
Examples:
  ringpost create jobs
  ringpost create frames --capacity 64 --arena 1G --chunk 64K     for large items
  ringpost create ticks --capacity 65536 --inline 32 --arena 0    for small ones only
  ringpost create shared --mode 660                               for a group

Sizes are bytes, or take K, M, G, T (powers of 1024). The arena is address space until it is
used, but for 4 bytes a chunk: 1 MiB for each GiB of 4K chunks.";

pub(crate) const PUT: &str = "\
Examples:
  ringpost put jobs < urls.txt
  tail -f access.log | ringpost put log
  find . -name '*.jpg' -print0 | ringpost put --null files
  echo hello | ringpost put --create greetings

Each item is in the queue as soon as its end has been read. When the queue is full, put waits.
What was put before an error or Ctrl-C stays put; the error says how many items that were.

Exit codes: 1 no room within --timeout; 3 failed; 4 the queue was shut down; 130 Ctrl-C.";

pub(crate) const GET: &str = "\
Examples:
  ringpost get jobs                             take what is there
  ringpost get jobs --count 1 --timeout 5       take one, wait for it at most 5 seconds
  ringpost get jobs --follow | worker           take all that comes until the shutdown
  ringpost get files --null | xargs -0 -n1 jpegtran
  ringpost get a --length-prefixed | ringpost put b --length-prefixed

Several processes may get from one queue: each item goes to one of them. Items that may contain
a line end need --null or --length-prefixed to be told apart.

Output is flushed whenever the queue runs empty. An item leaves the queue only when it has been
written: if get is killed, or the reader of the output goes away, what was not written goes to the
next one who gets; up to 64 items that were written just before a kill may come again. One that was
taken 16 times and never written goes into the quarantine. On Ctrl-C what was taken is written first.

Exit codes: 1 nothing there, or fewer than asked for in time; 3 failed; 4 shut down before
--count items came, or with nothing left; 130 Ctrl-C; 141 the reader went away.";

pub(crate) const WORK: &str = "\
Examples:
  ringpost work mails -- sendmail -t                      the item is the standard input
  ringpost work files -j 4 -- jpegtran -outfile {}.new {}   or an argument
  ringpost work jobs -- timeout 60 sh -c 'make \"$1\"' sh {}   a shell gets it as \"$1\"
  ringpost work jobs --until-empty -j \"$(nproc)\" -- ./job  one for each CPU, and no daemon

Each item goes to the standard input of a fresh COMMAND, as a file and without a line end. If an
argument contains {}, the item replaces it there instead, and stdin is empty. Do not write {} into
the script of `sh -c`: the item would be run as code. COMMAND also sees RINGPOST_POSITION, the
item's number, and RINGPOST_DELIVERIES, how often it has been delivered, this time included.

Exit code 0 of COMMAND ends the item. After anything else, or a signal, it is delivered again, to
this or another worker; when delivery K has failed, it goes into the quarantine (see `ringpost
quarantine --help`). Killed workers count: an item that was delivered K times and never came to an
end is quarantined without another run. The queue's own limit, 16 deliveries, still holds.

Kill any process at any time: nothing is lost, and no two runs of an item overlap. An item whose
run was cut short is run again, so COMMAND must bear that. A worker that dies takes its commands
and all that they have started with it. What COMMAND leaves in the background when it ends goes on,
and an item that failed is not run again before that is gone. Only if worker and guard are killed
in the same moment, a process that has closed all its descriptors may escape; so may a
set-user-ID program.

work runs until the queue is shut down and drained, or with --until-empty until it is empty. The
first Ctrl-C (or SIGTERM, SIGHUP) takes no more items and lets what runs come to its end; COMMAND
does not see it. The second kills what runs; those items are delivered again. The third waits for
nothing.

Exit codes: 0 all went well; 3 failed, COMMAND cannot be run; 5 items went into the quarantine;
130 Ctrl-C.";

pub(crate) const QUARANTINE: &str = "\
Examples:
  ringpost quarantine jobs                       list what is in it
  ringpost quarantine jobs --show 1027           one payload, all of it
  ringpost quarantine jobs 1027 1031 --requeue   have these delivered again
  ringpost quarantine jobs --all --discard       drop everything in it
  ringpost quarantine jobs --json | jq '.[].position'

An item goes into the quarantine when it has been delivered too often and nobody acknowledged it:
`ringpost work` decides that by --max-deliveries, and the queue after 16 deliveries. It keeps its
memory until it is put back or dropped, and nobody gets it meanwhile.

Exit codes: 0 done; 3 failed, or one of the items is not in the quarantine (any more).";

pub(crate) const STAT: &str = "\
Examples:
  ringpost stat jobs
  ringpost stat jobs --json | jq .queued

The figures are read while others put and get: each is right for some moment, they need not fit
together.";

pub(crate) const LS: &str = "\
Examples:
  ringpost ls
  ringpost ls --json | jq -r '.[].name'";

pub(crate) const RM: &str = "\
Examples:
  ringpost rm jobs
  ringpost rm --force jobs results

The name goes at once; who has the queue open keeps using it, and its memory goes with the last
of them. `ringpost shutdown` tells them to stop.";

pub(crate) const SHUTDOWN: &str = "\
Examples:
  ringpost shutdown jobs          no more puts; what is queued is still delivered
  ringpost shutdown jobs --now    no more puts, and what is queued is dropped

Every process sees it at once, one that waits in a put or a get included. It cannot be undone:
remove the queue and create it anew.";

pub(crate) const DOCTOR: &str = "\
Examples:
  ringpost doctor jobs
  ringpost doctor jobs --repair
  ringpost doctor jobs --json | jq '.findings[].what'

Looks at every slot, descriptor, chunk and participant while others go on using the queue, and says
in words what no correct process leaves. What a process is in the middle of is not reported. The
dead are recovered when the queue is opened, as at every open.

Exit codes: 0 healthy, or mended; 3 something is wrong (still), or there is no such queue.";

pub(crate) const DEMO: &str = "\
Examples:
  ringpost demo
  ringpost demo --producers 4 --consumers 1
  ringpost demo --input access.log
  ringpost demo --messages 10000 --json | jq .check

The demo starts every producer and consumer as a process of its own, moves the lines of a text
through one queue, and checks that each arrived exactly once, byte for byte, and in the order of
its producer. Exit code 0 means that the check has passed.";
