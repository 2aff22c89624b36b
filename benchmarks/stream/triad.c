/* The triad of STREAM: a[i] = b[i] + s * c[i] in double precision, plain C, plain stores.

   Usage: triad THREADS ELEMENTS REPETITIONS. Prints the best bytes per second: 24 bytes an element, as STREAM counts
   them, a line that is fetched only to be overwritten not included.

   Method: J. D. McCalpin, STREAM, cs.virginia.edu/stream. Written for this project. */

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    const int threads = atoi(arguments[1]), repetitions = atoi(arguments[3]);
    const long elements = atol(arguments[2]);
    double *a = malloc(elements * sizeof *a), *b = malloc(elements * sizeof *b), *c = malloc(elements * sizeof *c);
    if (!a || !b || !c)
        return 1;
    omp_set_num_threads(threads);

    /* Each thread first touches what it will work on. */
#pragma omp parallel for schedule(static)
    for (long i = 0; i < elements; i++) {
        a[i] = 0.0;
        b[i] = 2.0;
        c[i] = 1.0;
    }

    double best = 0.0;
    for (int repetition = 0; repetition < repetitions; repetition++) {
        const double scalar = 3.0 + repetition, start = omp_get_wtime();
#pragma omp parallel for schedule(static)
        for (long i = 0; i < elements; i++)
            a[i] = b[i] + scalar * c[i];
        const double rate = 24.0 * elements / (omp_get_wtime() - start);
        /* The first repetition is not counted, as in STREAM. */
        if (repetition > 0 && rate > best)
            best = rate;
    }
    /* Nothing is left out: every repetition's result is used. */
    const double expected = 2.0 + (3.0 + repetitions - 1);
    for (long i = 0; i < elements; i++)
        if (a[i] != expected)
            return 1;
    printf("%.6e\n", best);
    return 0;
}
