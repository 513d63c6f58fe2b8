// Preloaded into a process, its clock jumps by up to an hour back or forth at every look. What measures durations is left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*original)(clockid_t, struct timespec *);
    if (!original)
        original = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = original(clock, now);
    if (clock == CLOCK_REALTIME) {
        static __thread unsigned int seed;
        if (!seed)
            seed = (unsigned int)now->tv_nsec | 1;
        const long hour = 60 * 60;
        now->tv_sec += rand_r(&seed) % (2 * hour) - hour;
    }
    return result;
}
