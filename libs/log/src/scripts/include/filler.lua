-- A batch without a record for anybody, to fill offsets that are not given out: a control batch,
-- as Kafka has at the end of a transaction. Every client passes over it and goes on behind it, so
-- nobody waits inside a gap for what will not come.
local function crc32c(text)
  local crc = bit.bnot(0)
  for i = 1, #text do
    crc = bit.bxor(crc, string.byte(text, i))
    for _ = 1, 8 do
      local low = bit.band(crc, 1)
      crc = bit.rshift(crc, 1)
      if low == 1 then crc = bit.bxor(crc, 0x82F63B78) end
    end
  end
  return bit.bnot(crc)
end

local function varint(value)
  local zigzag, bytes = value * 2, ''
  while zigzag >= 128 do
    bytes, zigzag = bytes .. string.char(zigzag % 128 + 128), math.floor(zigzag / 128)
  end
  return bytes .. string.char(zigzag)
end

-- The batch for `count` offsets. Its one record has the last of them: kafkajs goes by the offsets
-- of records. Its key (version 0, type 1) is a commit's, its value version 0 and epoch 0.
local function filler(count)
  local pack = struct.pack
  local record = '\0\0' .. varint(count - 1) .. varint(4) .. '\0\0\0\1'
    .. varint(6) .. '\0\0\0\0\0\0' .. '\0'
  local tail = pack('>i2i4i8i8i8i2i4i4', 32, count - 1, -1, -1, -1, -1, -1, 1)
    .. varint(#record) .. record
  local rest = pack('>i4bi4', 0, 2, crc32c(tail)) .. tail
  return pack('>i8i4', 0, #rest) .. rest
end
