// The xylophone's firmware, as an Arduino sketch: everything, main too, is in src/. Board: Arduino Mega or Mega 2560.
// It uses neither Serial nor millis: Arduino's own timer interrupt would disturb the strikes.
