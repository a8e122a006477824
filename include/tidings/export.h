/*
 * What the shared library shows: every public function is marked TD_PUBLIC, everything else
 * is hidden. src/tidings.map lists the same names, and a test compares the two.
 */
#ifndef TIDINGS_EXPORT_H
#define TIDINGS_EXPORT_H

#define TD_PUBLIC            __attribute__((visibility("default")))
#define TD_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define TD_NODISCARD         __attribute__((warn_unused_result))

#endif
