-- Tells the area of a rectangle, by a module of the near side.
local shapes = require "shapes"
return shapes.rectangle(...)
