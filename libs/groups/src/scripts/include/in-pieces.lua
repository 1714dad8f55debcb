-- Lua can unpack some thousand values at once, so longer lists are gone through in pieces.
local function inPieces(count, run)
  local pieceCount = 1000
  for from = 1, count, pieceCount do run(from, math.min(from + pieceCount - 1, count)) end
end
