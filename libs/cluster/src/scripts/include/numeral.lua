-- Lua writes large numbers with an exponent.
local function numeral(number) return string.format('%.0f', number) end
