-- What a partition remembers of its idempotent producers. A producer's value: epoch, time of last
-- use (s), how many sequences in a row are known to be in the log, and a window of its last
-- batches: of each the first and last sequence and the base offset.
local sequences = 2147483648 -- after 2^31-1 comes 0
local headForm, headBytes, batchForm, batchBytes = '<i2I4I4', 10, '<I4I4d', 16
local windowBytes = 5 * batchBytes
local pack, parse, format = struct.pack, struct.unpack, string.format
