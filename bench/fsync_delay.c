/* Makes each fsync and fdatasync of a process cost 2 ms, no more and no less: the real disk's moods (and what other programs
 * write) are taken out, and the wait of an honest disk is put in. Counts them too. Preloaded by the benchmarks (LD_PRELOAD);
 * never a part of the product, and nothing is durable under it. At exit the count is written to the file that
 * FSYNC_DELAY_COUNT names, if it names one. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SYNC_COST_NS 2000000L
#define SECOND_NS 1000000000L

static atomic_long calls;

static int slowly(void) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    atomic_fetch_add(&calls, 1);
    until.tv_nsec += SYNC_COST_NS;
    if (until.tv_nsec >= SECOND_NS) {
        until.tv_nsec -= SECOND_NS;
        until.tv_sec += 1;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
    return 0;
}

int fsync(int fd) { (void)fd; return slowly(); }

int fdatasync(int fd) { (void)fd; return slowly(); }

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FSYNC_DELAY_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
}
