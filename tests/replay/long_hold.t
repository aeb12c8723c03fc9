# Shift rests on the keyboard for more than five seconds: no hold comes of it, and what is typed
# meanwhile is measured as ever. A hold of exactly five seconds is one, clipped at one second.
down shift 0
down a 100
up a 180
down s 2000
up s 2090
down d 5200
up d 5290
up shift 6000
down f 7000
up f 12000

hold left little finger 80
flight left hand to left hand 1500
hold left ring finger 90
flight left hand to left hand 1500
hold left middle finger 90
flight left hand to left hand 1500
hold left index finger 1000
