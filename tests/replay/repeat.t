# Auto-repeat says nothing, whether of a key that is down or not.
down backspace 1000
repeat backspace 1250
repeat backspace 1283
repeat backspace 1316
up backspace 1340
repeat backspace 1350
down a 1500
up a 1600

hold backspace 340
flight backspace to left hand 160
hold left little finger 100
