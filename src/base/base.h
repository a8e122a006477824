/*
 * base: what every room stands on. No I/O, no clock, no globals.
 *
 * This is the door; the pieces have a header each, and each header is a page of the manual.
 */
#ifndef TD_BASE_H
#define TD_BASE_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/le.h"
#include "base/map.h"
#include "base/nearest.h"
#include "base/random.h"
#include "base/ring.h"
#include "base/sha256.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "tidings/text.h"

#endif
